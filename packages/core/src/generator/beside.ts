// What a generator does beside sampling, imported on first use. Built apart (tsup.config.ts): what it shared with
// sampling would be split off into files that every page loads.
export { latentWalk } from '../latent/walks.js';
export { translate } from './translate.js';
