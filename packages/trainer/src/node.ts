// Subpath @forja/trainer/node: the same functions with the Node runtime filled in, plus files, checkpoints and CLI commands.
export {};
