"""Marks that the tests of this folder use."""


def pytest_configure(config):
    config.addinivalue_line("markers", "serial: needs the machine for itself (a large fleet, a browser, measured times); ./dev test runs it after "
                                       "the others, which run several at a time")
