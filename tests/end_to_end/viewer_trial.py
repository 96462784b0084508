#!/usr/bin/env python3
"""The OHIF viewer in a headless Chromium, on archives that speak DIMSE only: what it lists, opens, scrolls and shows, pixel by pixel.

The viewer is the prebuilt one of its npm package, which tests/run unpacks (GANTRY_VIEWER); skipped where it is absent. Screenshots are
left in GANTRY_TRIAL_PICTURES, where that is set.
"""

import os
import re
import sys
from pathlib import Path

from archives import Dcmqrscp, HospitalPacs
from browser import Browser, FileServer
from pictures import all_pictures
from trial import SOURCE, Gantry, folder, free_port, running, skip, wait_for

VIEWER = Path(os.environ.get("GANTRY_VIEWER", SOURCE / "build/web-clients/app/dist"))

# The viewer's own settings; __filename: one of its packages asks for it although no browser has it.
SETTINGS = """
window.__filename = ''; window.__dirname = '';
localStorage.setItem('shownTours', '["basicViewerTour"]');
window.config = {
  routerBasename: '/', extensions: [], modes: [], showStudyList: true, maxNumberOfWebWorkers: 2,
  showWarningMessageForCrossOrigin: false, showCPUFallbackMessage: false, showLoadingIndicator: true,
  strictZSpacingForVolumeViewport: true, investigationalUseDialog: {option: 'never'}, defaultDataSourceName: 'dicomweb',
  dataSources: [{
    namespace: '@ohif/extension-default.dataSourcesModule.dicomweb', sourceName: 'dicomweb',
    configuration: {
      friendlyName: 'gantry', name: 'gantry', qidoRoot: 'ROOT', wadoRoot: 'ROOT', wadoUriRoot: 'ROOT/wado',
      qidoSupportsIncludeField: true, supportsReject: false, imageRendering: 'wadors', thumbnailRendering: 'wadors',
      enableStudyLazyLoad: true, supportsFuzzyMatching: false, supportsWildcard: true, dicomUploadEnabled: false,
      bulkDataURI: {enabled: true}, omitQuotationForMultipartRequest: true,
    },
  }],
};
"""

# What the first viewport shows: [index, number of images, its image's place in the list].
SHOWN = """
if (!window.cornerstone) return null;
const views = cornerstone.getRenderingEngines().flatMap(e => e.getViewports()).filter(v => v.getCurrentImageId && v.getCurrentImageId());
if (!views.length) return null;
const view = views[0], image = cornerstone.cache.getImage(view.getCurrentImageId());
return image && view.getImageData() ? [view.getCurrentImageIdIndex(), view.getImageIds().length] : null;
"""

# The values of the image that is shown, and where some of them stand on the canvas with the colours there.
LOOK = """
const view = cornerstone.getRenderingEngines().flatMap(e => e.getViewports()).filter(v => v.getCurrentImageId && v.getCurrentImageId())[0];
const image = cornerstone.cache.getImage(view.getCurrentImageId());
const canvas = view.getCanvas(), data = view.getImageData(), paper = document.createElement('canvas');
paper.width = canvas.width; paper.height = canvas.height;
const context = paper.getContext('2d');
context.drawImage(canvas, 0, 0);
const seen = context.getImageData(0, 0, canvas.width, canvas.height).data, ratio = canvas.width / canvas.clientWidth, points = [];
for (let y = 3; y < image.rows; y += 6) for (let x = 3; x < image.columns; x += 6) {
  const at = view.worldToCanvas(cornerstone.utilities.transformIndexToWorld(data.imageData, [x, y, 0]));
  const i = 4 * (Math.round(at[1] * ratio) * canvas.width + Math.round(at[0] * ratio));
  points.push([x, y, seen[i], seen[i + 1], seen[i + 2]]);
}
return {id: view.getCurrentImageId(), rows: image.rows, columns: image.columns, colour: image.color, slope: image.slope, intercept: image.intercept,
        values: Array.from(image.getPixelData()), range: view.getProperties().voiRange, points};
"""


def correlation(left, right):
    n = len(left)
    a, b = sum(left) / n, sum(right) / n
    across = sum((x - a) ** 2 for x in left) * sum((y - b) ** 2 for y in right)
    return sum((x - a) * (y - b) for x, y in zip(left, right)) / across ** 0.5 if across else 0


def frame_of(picture, image_id):
    """Which frame that is: viewers put slices in the order of their places, from either end."""
    instance, frame = re.search(r"/instances/([0-9.]+)/frames/(\d+)", image_id).groups()
    return int(instance.rpartition(".")[2]) - 1 if len(picture.files) > 1 else int(frame) - 1


def check_values(picture, seen):
    """The viewer holds exactly the values of that frame. Returns them."""
    expected = picture.frames[frame_of(picture, seen["id"])]
    assert (seen["rows"], seen["columns"]) == (picture.rows, picture.columns), (seen["rows"], seen["columns"])
    values = seen["values"]
    if seen["colour"]:
        width = len(values) // (picture.rows * picture.columns)
        values = [v for i, v in enumerate(values) if i % width < 3]
    # Values may have been brought to what they mean when they were read, or not yet.
    meant = [v * seen["slope"] + seen["intercept"] for v in values]
    assert expected in (values, meant), f"{picture.name}: other values than those of {seen['id']}"
    return expected


def is_drawn(picture, expected, seen):
    """Its canvas shows them: every colour, in its place, the right way round."""
    if seen["colour"]:
        return all(
            correlation([expected[3 * (y * picture.columns + x) + c] for x, y, *_ in seen["points"]],
                        [point[2 + c] for point in seen["points"]]) > 0.97
            for c in range(3)
        )
    low, high = seen["range"]["lower"], seen["range"]["upper"]
    wanted = [min(max((expected[y * picture.columns + x] - low) / (high - low), 0), 1) for x, y, *_ in seen["points"]]
    return correlation(wanted, [point[2] for point in seen["points"]]) > 0.97


class Looking:
    """One browser before one gantry before one archive."""

    def __init__(self, here, gantry, archive, port):
        self.archive, self.gantry = archive, gantry
        self.files = FileServer(VIEWER, {"/app-config.js": SETTINGS.replace("ROOT", gantry.web)}, port)
        self.browser = Browser(here / "browser")
        self.album = Path(os.environ["GANTRY_TRIAL_PICTURES"]) if os.environ.get("GANTRY_TRIAL_PICTURES") else here

    def photograph(self, name):
        self.album.mkdir(parents=True, exist_ok=True)
        self.browser.screenshot(self.album / f"{self.archive}-{name}.png")

    def study_list(self, pictures):
        b = self.browser
        b.open(self.files.url + "/")
        for picture in pictures:
            shown = picture.patient.replace("^", ", ")
            b.wait(f"{shown} in the study list", "return document.body.innerText.includes(arguments[0])", shown)
        self.photograph("study-list")
        # Search: the first field is the patient's name.
        x, y = b.run("const r = document.querySelector('input[type=text]').getBoundingClientRect(); return [r.x + 20, r.y + 10]")
        b.click(x, y)
        b.press("Clara")
        b.wait("the search", "const t = document.body.innerText; return t.includes('Clara') && !t.includes('Anna') && !t.includes('Bernd')")
        self.photograph("search")

    def open(self, picture):
        self.browser.open(f"{self.files.url}/viewer?StudyInstanceUIDs={picture.study}")

    def images(self, picture, name):
        b = self.browser
        self.open(picture)
        shown = b.wait(f"{picture.name} to be shown", SHOWN)
        assert shown[1] == len(picture.frames), (picture.name, shown)
        self.check_image(picture)
        b.wait("a thumbnail", "return Array.from(document.images).some(i => i.naturalWidth > 1 && /^(data|blob):/.test(i.src))")
        self.photograph(name)
        if len(picture.frames) > 1:
            self.scroll_to_the_end(picture, name)

    def check_image(self, picture):
        def drawn():
            seen = self.browser.run(LOOK)
            return is_drawn(picture, check_values(picture, seen), seen)

        wait_for(f"{picture.name} to be drawn", drawn, interval=0.2)

    def scroll_to_the_end(self, picture, name):
        b, last = self.browser, len(picture.frames) - 1
        x, y = b.run("const r = document.querySelector('.cornerstone-viewport-element').getBoundingClientRect();"
                     "return [r.x + r.width / 2, r.y + r.height / 2]")
        b.click(x, y)

        def at_the_end():
            b.scroll(x, y, 100)
            return b.run(SHOWN) == [last, last + 1]

        wait_for(f"the last image of {picture.name}", at_the_end, interval=0.05)
        self.check_image(picture)
        self.photograph(name + "-last")

    def pdf(self, picture):
        self.open(picture)
        source = self.browser.wait("the PDF", "const o = document.querySelector('object[data], iframe[src], embed[src]');"
                                              "return o && (o.data || o.src)")
        content = self.browser.run(
            "return fetch(arguments[0]).then(r => r.arrayBuffer()).then(b => String.fromCharCode(...new Uint8Array(b).slice(0, 5)))", source)
        assert content == "%PDF-", content
        self.photograph("pdf")

    def report(self, picture):
        self.open(picture)
        self.browser.wait("the report", "return document.body.innerText.includes(arguments[0])", picture.shows)
        self.photograph("report")

    def end(self):
        self.browser.end()
        self.files.end()


def look(archive, here):
    pictures = all_pictures(here)
    viewer_port = free_port()
    pacs = archive(here / "pacs")
    gantry = Gantry(
        here / "gantry",
        peers=[pacs.peer],
        origins=[{"name": "old", "kind": "dimse", "peer": pacs.title}],
        routes={"web": {"find": "old", "retrieve": "old"}},
        web={"cors": {"origins": [f"http://127.0.0.1:{viewer_port}"]}},
    )
    with running(gantry, pacs):
        gantry.start()
        pacs.knows_gantry(gantry.port("dimse"))
        pacs.store([content for picture in pictures for content in picture.files])
        looking = Looking(here, gantry, pacs.title.lower(), viewer_port)
        with running(looking.browser):
            ct, cine, colour, packed, pdf, report = pictures
            looking.study_list(pictures)
            looking.images(ct, "ct")
            looking.images(cine, "multi-frame")
            looking.images(colour, "colour")
            if pacs.compressed:
                looking.images(packed, "compressed")
            looking.pdf(pdf)
            looking.report(report)
            complaints = [c for c in looking.browser.complaints() if gantry.web in c]
            assert not complaints, complaints
            looking.end()
        assert gantry.stop() == 0


def main():
    if not (VIEWER / "index.html").is_file():
        skip(f"the viewer is not in {VIEWER}")
    for archive in (HospitalPacs, Dcmqrscp):
        with folder() as here:
            look(archive, here)
            print(f"{archive.__name__}: seen", flush=True)


if __name__ == "__main__":
    sys.exit(main())
