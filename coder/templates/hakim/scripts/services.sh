#!/bin/sh
# One line for Coder's page: how many services are ready, and what is not as it should be.
hakimctl status --json | jq -r '
	(.manager.state // "unknown") as $state
	| [.units[] | select(.sub != "skipped" and (.name | endswith(".service")))] as $all
	| [$all[] | select(.active == "failed") | .name | rtrimstr(".service")] as $failed
	| "\([$all[] | select(.ready)] | length)/\($all | length) ready"
	+ if $failed == [] then "" else ", failed: " + ($failed | join(" ")) end
	+ if $state == "running" or $failed != [] then "" else " (\($state))" end'
