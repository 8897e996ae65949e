// The version of this package; bundlers inline it.
import manifest from '../package.json' with { type: 'json' };

/** Version of @forja/node. */
export const VERSION: string = manifest.version;
