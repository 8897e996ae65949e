// tfjs's advice to install a native backend, which must not show in commands, the demo or the output of tests.

/** Part of the advice that tfjs prints in Node when its first tensor is made. */
export const TFJS_ADVICE = /running TensorFlow\.js in Node/;
