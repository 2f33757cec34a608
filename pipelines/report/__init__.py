"""The one-page report of a day's list: content, plots, and the page made of them."""
