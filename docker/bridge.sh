#!/bin/sh
# The command for people on a machine where the bridge is a service: install as /usr/local/bin/bridge.
# It acts as the service's user, so that no file becomes root's; sudo tells the audit who that is.
exec sudo --user=bridge BRIDGE_CONFIG=/etc/bridge/bridge.toml /opt/bridge/bin/bridge "$@"
