//go:build unix && !linux

package ferretserver

import "syscall"

// dieWithParent can do nothing here: Stop must be called.
func dieWithParent(a *syscall.SysProcAttr) *syscall.SysProcAttr { return a }
