"""One real Chromium for the site's tests, driven as a reader would drive it, and servers of this machine."""

import json
import shutil
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

CHROMEDRIVER = shutil.which("chromedriver")
READY = """
const said = document.documentElement.dataset;
return (said.tables === "ready" || !document.querySelector("table.board, table.tasks"))
  && (said.figures === "ready" || !document.querySelector("[data-chart]"));
"""


@dataclass
class Browser:
    """A browser and where its pages come from. `driver` is selenium's own."""

    driver: Any
    root: str

    def open(self, address: str, *, ready: bool = True) -> None:
        """A page of the site, with a fresh document, and its scripts at rest."""
        self.driver.get("about:blank")
        self.driver.get(self.root + address)
        if ready:
            self.wait(READY)

    def wait(self, script: str, *values: Any) -> Any:
        """What a script returns once it is true."""
        from selenium.webdriver.support.ui import WebDriverWait

        return WebDriverWait(self.driver, 20, 0.05).until(lambda driver: driver.execute_script(script, *values))

    def run(self, script: str, *values: Any) -> Any:
        return self.driver.execute_script(script, *values)

    def all(self, selector: str) -> list[str]:
        """The visible text of what a selector finds."""
        script = "return [...document.querySelectorAll(arguments[0])].map((each) => each.innerText.trim())"
        return list(self.run(script, selector))

    def find(self, selector: str) -> Any:
        return self.driver.find_element("css selector", selector)

    def press(self, *keys: str) -> None:
        """Keys, to whatever has the focus."""
        from selenium.webdriver.common.action_chains import ActionChains

        ActionChains(self.driver).send_keys(*keys).perform()

    def focus(self) -> Any:
        return self.driver.switch_to.active_element

    def excess(self, width: int) -> int:
        """By how many pixels the page is wider than a window of this width."""
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        try:
            return int(self.run("return Math.max(0, document.documentElement.scrollWidth - innerWidth)"))
        finally:
            self.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})

    def complaints(self) -> list[str]:
        """What stands in the console since it was last asked."""
        return [f"{entry['level']}: {entry['message']}" for entry in self.driver.get_log("browser")]

    def requests(self) -> list[str]:
        """The addresses asked for since it was last asked."""
        events = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        return [each["params"]["request"]["url"] for each in events if each["method"] == "Network.requestWillBeSent"]


@pytest.fixture(scope="session")
def chromium(installed_chromium, tmp_path_factory):
    """selenium's driver of a Chromium that resolves no host name."""
    if CHROMEDRIVER is None:
        pytest.skip("no Chromium")
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location, flags = installed_chromium
    for argument in (
        *flags,
        "--force-prefers-reduced-motion",
        *("--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", "--window-size=1300,1000"),
        f"--user-data-dir={tmp_path_factory.mktemp('profile')}",
    ):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(CHROMEDRIVER))
    yield driver
    driver.quit()


@pytest.fixture(scope="module")
def serve():
    """A folder on a server of this machine: `serve(folder)` gives its address."""
    servers = []

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *said):
            pass

    def start(folder):
        server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
        servers.append(server)
        Thread(target=server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{server.server_port}/"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="session")
def browser_on(chromium):
    """A browser on a root address: `browser_on(root)`."""
    return partial(Browser, chromium)
