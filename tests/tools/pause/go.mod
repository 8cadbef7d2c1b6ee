module parley/tests/cluster/tools/pause

go 1.25
