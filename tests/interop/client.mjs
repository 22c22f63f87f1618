// Runs one operation of @nats-io/obj: `node client.mjs URL`, the request as JSON on stdin, the answer as
// JSON on stdout. Bytes travel in base64; an object that is not there is null.
import { readFileSync } from "node:fs";
import { connect, headers, nanos } from "@nats-io/transport-node";
import { Objm } from "@nats-io/obj";

const request = JSON.parse(readFileSync(0, "utf8"));
const connection = await connect({ servers: process.argv[2] });
const stores = new Objm(connection);

function meta({ key, description, headers: given, metadata, chunkSize }) {
  const made = { name: key, description, metadata };
  if (given) {
    made.headers = headers();
    for (const [name, values] of Object.entries(given)) {
      for (const value of values) made.headers.append(name, value);
    }
  }
  if (chunkSize) made.options = { max_chunk_size: chunkSize };
  return made;
}

function lists(stored) {
  if (!stored) return {};
  if (typeof stored.keys !== "function") return stored; // list() hands out the record as it is stored
  return Object.fromEntries(stored.keys().map((name) => [name, stored.values(name)]));
}

function shown(info) {
  if (info === null) return null;
  const { name, bucket, size, chunks, digest, description, metadata, options, deleted } = info;
  return { name, bucket, size, chunks, digest, description, metadata, options, deleted, headers: lists(info.headers) };
}

const operations = {
  async add({ bucket, description, ttl, maxBytes, storage, metadata }) {
    const options = { description, metadata };
    if (storage) options.storage = storage;
    if (ttl) options.ttl = nanos(ttl * 1000);
    if (maxBytes) options.max_bytes = maxBytes;
    await stores.create(bucket, options);
    return true;
  },
  async status({ bucket }) {
    const { description, ttl, replicas, storage, metadata, streamInfo } = await (await stores.open(bucket)).status();
    return { description, ttl, replicas, storage, metadata, maxBytes: streamInfo.config.max_bytes };
  },
  async buckets() {
    const found = [];
    for await (const status of stores.list()) found.push(status.bucket);
    return found;
  },
  async put({ bucket, data, ...rest }) {
    return shown(await (await stores.open(bucket)).putBlob(meta(rest), Buffer.from(data, "base64")));
  },
  async get({ bucket, key }) {
    const data = await (await stores.open(bucket)).getBlob(key);
    return data === null ? null : Buffer.from(data).toString("base64");
  },
  async info({ bucket, key }) {
    return shown(await (await stores.open(bucket)).info(key));
  },
  async list({ bucket }) {
    return (await (await stores.open(bucket)).list()).map(shown);
  },
  async remove({ bucket, key }) {
    await (await stores.open(bucket)).delete(key);
    return true;
  },
  async link({ bucket, key, toBucket, toKey }) {
    const target = await stores.open(toBucket);
    const store = await stores.open(bucket);
    if (toKey === undefined) return shown(await store.linkStore(key, target));
    return shown(await store.link(key, await target.info(toKey)));
  },
};

const answer = await operations[request.operation](request);
process.stdout.write(JSON.stringify(answer));
await connection.close();
