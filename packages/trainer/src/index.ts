// Public surface of @forja/trainer. Named exports only.
export {};
