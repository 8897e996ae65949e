// Stands for a build of onnxruntime-web that an app leaves out, by an alias in its bundler's settings: see docs/web.md.
// With nothing in it, the worker takes the next device, and says so.
export {};
