// Variables with names of our own choosing. tfjs makes names unique in the process (`g/dense/kernel_1`), which a
// checkpoint cannot be read back by.
import * as tf from '@tensorflow/tfjs';

/**
 * A variable called exactly `name`, whatever else lives in the process. tfjs's global registry does not hold it, so
 * `tf.disposeVariables` leaves it alone: whoever made it disposes it.
 */
export function namedVariable(name: string, initial: tf.Tensor): tf.Variable {
  const variable = tf.variable(initial, false);
  rename(variable, name);
  return variable;
}

/**
 * Gives the variables of a built model the names of its layers' weights, `<layer>/<weight>`, in order of
 * `model.weights`. Returns them.
 */
export function nameWeights(model: tf.LayersModel): tf.Variable[] {
  return model.weights.map((weight) => {
    const variable = variableOf(weight);
    rename(variable, weight.originalName);
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
