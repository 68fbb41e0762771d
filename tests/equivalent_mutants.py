"""Changes of mutations.py that change nothing that counts: module -> reason -> {(line, what it becomes), ...}."""

EQUIVALENT = {
    'layers': {'tf.split refuses other sizes as well, in other words.': {
        ('t.shape[:1].assert_is_compatible_with([batch])', 'pass')}},
    'ema': {'Step 0 after the start is due by its remainder, too.': {
        ('due = (since < 0) | tf.equal(since % self.period, 0)',
         'due = (since <= 0) | tf.equal(since % self.period, 0)')}},
    'streams': {
        'That nothing is tuned is a matter of speed.': {
            ('options.autotune.enabled = False', 'options.autotune.enabled = True')},
        'There are as many images as rows, whose number the next step knows.': {
            ('images = images.map(make, os.cpu_count(), deterministic=True).batch(len(rows), drop_remainder=True)',
             'images = images.map(make, os.cpu_count(), deterministic=True).batch(len(rows), drop_remainder=False)')}},
    'datasets/records': {'How many are read, made or waited for at a time is a matter of speed.': {
        ('CHUNK = 256', 'CHUNK = 257'),
        ('parallel = 2 * os.cpu_count()', 'parallel = 3 * os.cpu_count()'),
        ('chunk = tf.compat.v1.data.make_one_shot_iterator(dataset.prefetch(2)).get_next()',
         'chunk = tf.compat.v1.data.make_one_shot_iterator(dataset.prefetch(3)).get_next()'),
        ('if len(waiting) > 2 * os.cpu_count():', 'if len(waiting) > 3 * os.cpu_count():'),
        ('if len(waiting) > 2 * os.cpu_count():', 'if len(waiting) >= 2 * os.cpu_count():'),
        ('if len(waiting) > 2 * os.cpu_count():', 'if len(waiting) > 2 / os.cpu_count():')}},
    'datasets/split_rule': {
        'A ratio is never 0, and with 1 all classes are as large.': {
            ('return np.array(counts if ratio > 0 else counts[::-1], np.int64)',
             'return np.array(counts if ratio > 1 else counts[::-1], np.int64)'),
            ('most = int(((available + 1) / (shares if ratio > 0 else shares[::-1])).min())',
             'most = int(((available + 1) / (shares if ratio >= 0 else shares[::-1])).min())'),
            ('most = int(((available + 1) / (shares if ratio > 0 else shares[::-1])).min())',
             'most = int(((available + 1) / (shares if ratio > 1 else shares[::-1])).min())')},
        'The largest that fits is looked for from more than enough on.': {
            ('most = int(((available + 1) / (shares if ratio > 0 else shares[::-1])).min())',
             'most = int(((available + 2) / (shares if ratio > 0 else shares[::-1])).min())')}},
    'optimizers': {'Locking is for variables of the old kind.': {
        ('super().__init__(False, name)', 'super().__init__(True, name)')}},
}
