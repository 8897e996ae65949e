// Replaces a build of onnxruntime-web that an app leaves out, by an alias in the bundler's configuration: see
// docs/web.md. As it is empty, the worker uses the next device and reports that.
export {};
