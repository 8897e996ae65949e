// Variables with exact names. tfjs makes names unique in the process (`g/dense/kernel_1`), so variables could not be
// matched with those of a checkpoint by name.
import * as tf from '@tensorflow/tfjs';

/**
 * A variable called exactly `name`, whatever other variables exist. tfjs's global registry does not hold it, so
 * `tf.disposeVariables` does not dispose it: its maker must.
 */
export function namedVariable(name: string, initial: tf.Tensor, trainable = false): tf.Variable {
  const variable = tf.variable(initial, trainable);
  rename(variable, name);
  return variable;
}

/**
 * Names the variables of a built model, in order of `model.weights`, and returns them. If layers are called `<role>/…`,
 * weights are `<layer>/<weight>`. tfjs's default layer names contain a process-wide counter, so those become
 * `<role>/<number>/<weight>`.
 */
export function nameWeights(model: tf.LayersModel, role: string): tf.Variable[] {
  const named = model.weights.every(({ originalName }) => originalName.startsWith(`${role}/`));
  return model.weights.map((weight, i) => {
    const variable = variableOf(weight);
    rename(variable, named ? weight.originalName : `${role}/${i}/${weight.originalName.split('/').at(-1) ?? ''}`);
    return variable;
  });
}

/** The variables behind layer weights. */
export function variablesOf(weights: readonly tf.LayerVariable[]): tf.Variable[] {
  return weights.map(variableOf);
}

/** `read` is declared to return a tensor; it returns the variable itself. */
function variableOf(weight: tf.LayerVariable): tf.Variable {
  return weight.read() as tf.Variable;
}

function rename(variable: tf.Variable, name: string): void {
  Reflect.deleteProperty(tf.engine().registeredVariables, variable.name);
  variable.name = name;
}
