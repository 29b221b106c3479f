package shellfacts

import (
	"strings"
	"sync"
)

// special holds what handlers returns; it has no initialiser, since handlers run
// commands that have handlers.
var special struct {
	sync.Once
	m map[string]func(*call)
}

// handlers are the programs whose arguments are a language of their own.
func handlers() map[string]func(*call) {
	special.Do(func() {
		special.m = map[string]func(*call){}
		for names, f := range handlerList() {
			for _, n := range strings.Fields(names) {
				special.m[n] = f
			}
		}
	})
	return special.m
}

func handlerList() map[string]func(*call) {
	return map[string]func(*call){
		// wrappers.go: programs that run the command they are given
		"sudo":                (*call).sudo,
		"doas pkexec runuser": (*call).doas,
		"su":                  (*call).su,
		"env":                 (*call).env,
		"nohup setsid":        runs("", 0),
		"exec":                runs("a", 0),
		"nice":                runs("n", 0, "--adjustment"),
		"ionice":              runs("cnpPu", 0, "--class", "--classdata"),
		"timeout":             runs("ks", 1, "--kill-after", "--signal"),
		"time":                (*call).time,
		"stdbuf":              runs("ioe", 0, "--input", "--output", "--error"),
		"watch":               (*call).watch,
		"chronic unbuffer catchsegv faketime eatmydata proxychains proxychains4 torsocks fakeroot": runs("", 0),
		"setarch linux32 linux64 i386 x86_64":                                                      runs("", 0),
		"chrt":                                                                                     runs("TPD", 1),
		"numactl":                                                                                  (*call).numactl,
		"cd pushd":                                                                                 (*call).cd,
		"jobs":                                                                                     (*call).jobs,
		"mkfifo":                                                                                   (*call).mkfifo,
		"jq":                                                                                       (*call).jq,
		"taskset":                                                                                  (*call).taskset,
		"flock":                                                                                    (*call).flock,
		"xargs":                                                                                    (*call).xargs,
		"parallel":                                                                                 (*call).parallel,
		"command":                                                                                  (*call).commandBuiltin,
		"builtin":                                                                                  runs("", 0),
		"busybox toybox":                                                                           runs("", 0),
		"chroot unshare nsenter setpriv":                                                           (*call).container,
		"strace ltrace perf gdb valgrind":                                                          (*call).traced,
		"script":                                                                                   (*call).scriptProgram,
		"entr":                                                                                     runs("", 0),
		"trap":                                                                                     (*call).trap,
		"eval":                                                                                     (*call).eval,
		"source .":                                                                                 (*call).source,
		"alias":                                                                                    (*call).alias,
		"unalias":                                                                                  func(*call) {},
		"enable":                                                                                   (*call).enable,
		// interpreters.go
		"sh bash dash ash zsh ksh mksh rbash fish csh tcsh":                                                 (*call).shell,
		"python python2 python3 perl ruby node nodejs php lua pypy tclsh R Rscript deno bun osascript pwsh": (*call).interpreter,
		"awk gawk mawk nawk":                     (*call).awk,
		"sed gsed":                               (*call).sed,
		"vi vim nvim view rvim ex ed emacs nano": (*call).editor,
		// files.go
		"rm":                        (*call).rm,
		"unlink rmdir":              (*call).unlink,
		"find":                      (*call).find,
		"fd fdfind":                 (*call).fd,
		"truncate":                  (*call).truncate,
		"tee sponge":                (*call).tee,
		"dd":                        (*call).dd,
		"cp mv install ln":          (*call).copies,
		"chmod chown chgrp":         (*call).owns,
		"tar bsdtar":                (*call).tar,
		"rsync":                     (*call).rsync,
		"unzip":                     (*call).unzip,
		"gzip gunzip xz bzip2 zstd": (*call).compress,
		"printenv":                  (*call).printenv,
		"split csplit":              func(c *call) { c.listed(table()[c.name]) },
		// system.go
		"openssl":               (*call).openssl,
		"nginx":                 (*call).nginx,
		"ifconfig nmcli":        (*call).interfaces,
		"parted":                (*call).parted,
		"kill":                  (*call).kill,
		"pkill killall skill":   (*call).kills,
		"systemctl":             (*call).systemctl,
		"service":               (*call).service,
		"init telinit":          func(c *call) { c.destroys(policyDangerous, c.name+" changes the run level") },
		"ip":                    (*call).ip,
		"iptables ip6tables":    (*call).iptables,
		"sysctl":                (*call).sysctl,
		"git":                   (*call).git,
		"crontab":               (*call).crontab,
		"shutdown":              (*call).shutdown,
		"docker podman nerdctl": (*call).docker,
		"getent":                (*call).getent,
		"set":                   (*call).set,
		"read":                  (*call).read,
		"unset":                 (*call).unset,
		"test [":                func(c *call) { c.s.tests(c.args) },
		"printf":                (*call).printf,
		// remote.go
		"curl":        (*call).curl,
		"wget":        (*call).wget,
		"ssh autossh": (*call).ssh,
		"psql mysql mariadb sqlite3 mongo mongosh": (*call).database,
		"kubectl oc k": (*call).kubectl,
	}
}
