// The version of this package; bundlers copy the text in.
import manifest from '../../package.json' with { type: 'json' };

/** Of @forja/node. */
export const VERSION: string = manifest.version;
