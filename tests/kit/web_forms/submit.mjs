// Fills a form with the engine of ODK Web Forms and submits what it makes, unchanged.
//
// Takes the folder with node_modules, the form, the address of the receiver, the answers and,
// to edit it, the file of a filled instance. Asks with a HEAD as the protocol says, sends each
// part of the payload where that points, and prints as JSON what was said to each.
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { readFile } from "node:fs/promises";

const [modules, path, target, answersText, editedPath] = process.argv.slice(2);
const require = createRequire(pathToFileURL(`${modules}/`));
const { JSDOM } = require("jsdom");

// Older Nodes have it, but not at hand.
globalThis.File ??= require("node:buffer").File;
const { window } = new JSDOM("<!doctype html>", { url: "http://localhost/" });
for (const name of Object.getOwnPropertyNames(window)) {
  if (!(name in globalThis)) {
    globalThis[name] = window[name];
  }
}
// The engine expects a bundler, which gives it this.
globalThis.__dirname = modules;
const place = require.resolve("@getodk/xforms-engine");
const engine = await import(pathToFileURL(place));

const definition = await readFile(path, "utf8");
const loaded = await engine.loadForm(definition);
if (loaded.status === "failure") {
  throw loaded.error;
}
const instance = editedPath
  ? await loaded.editInstance({
      inputType: "FORM_INSTANCE_INPUT_RESOLVED",
      data: [instanceData(await readFile(editedPath, "utf8"))],
    })
  : loaded.createInstance();

const nodes = new Map(
  instance.root.currentState.children.map((node) => [node.definition.qualifiedName.localName, node]),
);
for (const [name, answer] of Object.entries(JSON.parse(answersText))) {
  const node = nodes.get(name);
  const isFile = node.nodeType === "upload";
  const file = isFile && new File([answer.content], answer.name, { type: "image/jpeg" });
  node.setValue(isFile ? file : answer);
}

const asked = await fetch(target, { method: "HEAD" });
const address = asked.headers.get("location");
const payload = await instance.root.prepareInstancePayload({ payloadType: "chunked", maxSize: 2000 });
const said = [];
for (const data of payload.data) {
  const answer = await fetch(address, {
    method: "POST",
    body: data,
    headers: { "X-OpenRosa-Version": "1.0" },
  });
  said.push({
    parts: [...data].map(([name, file]) => ({ name, filename: file.name, type: file.type })),
    status: answer.status,
    form: answer.headers.get("x-commcarehq-formid"),
    text: await answer.text(),
    xml: await data.get("xml_submission_file").text(),
  });
}
console.log(JSON.stringify({ head: asked.status, address, status: payload.status, said }));

function instanceData(xml) {
  const data = new FormData();
  data.set("xml_submission_file", new File([xml], "xml_submission_file", { type: "text/xml" }));
  return data;
}
