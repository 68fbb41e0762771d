"""A model's classifier as a SavedModel that needs nothing of this library."""

from libml.images import fitting_in_graph
from libml.images.pixels import TO_FLOAT
from libml.training import checkpoint
from libml.utils import InputError, one_line, session_config

import tensorflow as tf

FILE = 'saved_model.pb'  # in the folder of each SavedModel
# Signature -> name and type of its input.
SIGNATURES = dict(serving_default=('images', tf.float32), uint8=('images', tf.uint8), encoded=('encoded', tf.string))


def frozen(session, x, op):
    """GraphDef of the tensor `op` as a function of the placeholder `x`; the variables are constants.

    Names are those of the graph. What else is in it, such as streams, is left out.
    """
    found = checkpoint.ops_behind([op], lambda part: part.type == 'ReadVariableOp' or part is x.op)
    reads = {name: part.outputs[0] for name, part in found.items() if part.type == 'ReadVariableOp'}
    values = session.run(reads)
    graph_def = tf.compat.v1.GraphDef(versions=session.graph.as_graph_def(add_shapes=False).versions)
    for name, part in found.items():
        node = graph_def.node.add(name=name)
        if part is x.op:
            node.op = 'Placeholder'
            node.attr['dtype'].type = x.dtype.as_datatype_enum
            node.attr['shape'].shape.CopyFrom(x.shape.as_proto())
        elif name in reads:
            node.op = 'Const'
            node.attr['dtype'].type = reads[name].dtype.as_datatype_enum
            node.attr['value'].tensor.CopyFrom(tf.make_tensor_proto(values[name]))
        else:
            node.CopyFrom(part.node_def)
            # Control inputs, places beside variables and names of gradients are of the training graph.
            del node.input[len(part.inputs):]
            for name in ('_class', '_gradient_op_type'):
                node.attr.pop(name, None)
    return graph_def


def serving_graph(model, session):
    """A graph whose constants are the averaged weights of a train.Model in its session, and its ops.

    Returns:
        tf.Graph, dict signature -> (dict name -> input, dict name -> output); see `write`.
    """
    data, x, op = model.dataset, model.ops.x, model.ops.classify_op
    network = frozen(session, x, op)
    shape, info = [data.height, data.width, data.colors], data.stored

    def image_of(content):
        picture = fitting_in_graph.in_colors(fitting_in_graph.decoded(content), info.colors)
        if info.height:
            picture = fitting_in_graph.fitted(picture, info.height, info.width, info.fit)
        picture = fitting_in_graph.adapted(picture, data.adaptation)
        if data.frame:
            picture = data.frame.of_pixels(picture)
        return tf.ensure_shape(picture, shape)

    def outputs(images):
        floats = tf.cast(images, tf.float32) * TO_FLOAT - 1
        p, = tf.import_graph_def(network, {x.name: floats}, [op.name])
        p = tf.identity(tf.ensure_shape(p, [None, data.nclass]))
        number = tf.argmax(p, 1)
        return {'probabilities': p, 'class': number, 'name': tf.gather(tf.constant(data.class_names), number)}

    signatures = {}
    with tf.Graph().as_default() as graph:
        for signature, (name, kind) in SIGNATURES.items():
            of_bytes = kind == tf.string
            given = images = tf.compat.v1.placeholder(kind, [None] if of_bytes else [None, *shape], name)
            if of_bytes:  # Few at a time: pictures can be large.
                images = tf.map_fn(image_of, given, parallel_iterations=2,
                                   fn_output_signature=tf.TensorSpec(shape, tf.uint8))
            signatures[signature] = {name: given}, outputs(images)
    return graph, signatures


def write(model, session, folder):
    """Writes a SavedModel into a folder that is not there yet.

    Its signatures are `serving_default`, which takes `images`, float32 [n, h, w, c] with values 0 to 255 of the size
    that the network takes; `uint8`, which takes such bytes; and `encoded`, which takes `encoded`, strings [n], the
    contents of JPEG and PNG files of any size, which it reads as the dataset's pictures were read. Each returns
    `probabilities`, float32 [n, C], `class`, int64 [n], and `name`, strings [n].

    Args:
        model: a train.Model.
        session: a session of its graph.
        folder: path.
    Raises:
        InputError: it cannot be written.
    """
    graph, signatures = serving_graph(model, session)
    definitions = tf.compat.v1.MetaGraphDef().signature_def
    for name, parts in signatures.items():
        definitions[name].method_name = 'tensorflow/serving/predict'
        for fields, tensors in zip((definitions[name].inputs, definitions[name].outputs), parts):
            for key, tensor in tensors.items():
                fields[key].name, fields[key].dtype = tensor.name, tensor.dtype.as_datatype_enum
                fields[key].tensor_shape.CopyFrom(tensor.shape.as_proto())
    with graph.as_default(), tf.compat.v1.Session(config=session_config()) as serving:
        try:
            builder = tf.compat.v1.saved_model.Builder(folder)
            builder.add_meta_graph_and_variables(serving, ['serve'], definitions)
            builder.save()
        except tf.errors.OpError as error:
            raise InputError(f'cannot write {folder}: {one_line(error.message)}') from error


def to_tflite(folder):
    """The bytes of a TensorFlow Lite model of the signature `serving_default` of a SavedModel.

    Raises:
        ImportError: this TensorFlow has no converter.
    """
    try:
        converter = tf.lite.TFLiteConverter.from_saved_model(folder, signature_keys=['serving_default'])
    except AttributeError as error:
        raise ImportError('this TensorFlow has no converter to TensorFlow Lite') from error
    return converter.convert()
