"""What a feeder is: ``network`` made of ``tables`` with ``columns``, held together by ``checks``.

``topology`` says which buses hang together, ``feeders`` reads shipped ones and files.
"""
