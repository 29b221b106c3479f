package ferretserver

import "syscall"

// dieWithParent asks the kernel to end the server when this process ends,
// however it ends.
func dieWithParent(a *syscall.SysProcAttr) *syscall.SysProcAttr {
	a.Pdeathsig = syscall.SIGTERM
	return a
}
