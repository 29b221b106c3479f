//go:build !unix

package postgres

import "syscall"

func workerAttr() *syscall.SysProcAttr { return nil }

func limitProcess() error { return nil }
