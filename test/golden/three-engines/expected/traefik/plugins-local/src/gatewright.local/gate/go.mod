module gatewright.local/gate

go 1.22
