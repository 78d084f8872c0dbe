"""The languages of the pages: English stands in them, each other one in a file of its own (`de.po`), by gettext."""
