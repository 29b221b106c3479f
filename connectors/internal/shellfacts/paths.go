package shellfacts

import (
	"path"
	"regexp"
	"strings"

	"github.com/sallyport/sallyport/policy"
)

// found is what a path makes of reading or writing it.
type found struct {
	class policy.Class
	why   string
}

// secrets are files that hold credentials, as they stand on hosts.
var secrets = regexp.MustCompile(`(?i)(^|/)(g?shadow-?|sudoers|master\.passwd|opasswd|\.ssh/(id_[^/]*|identity|[^/]*key[^/]*|authorized_keys)|id_(rsa|dsa|ecdsa|ed25519)(_sk)?|ssh_host_[a-z0-9]*_key|` +
	`\.aws/(credentials|config|sso/.*|cli/.*)|\.config/gcloud/.*|\.azure/.*|\.kube/config|kubeconfig|[^/]*\.kubeconfig|admin\.conf|\.docker/config\.json|\.dockercfg|` +
	`\.env(\.[a-z]+)?|\.envrc|\.netrc|_netrc|\.git-credentials|\.npmrc|\.pypirc|\.pgpass|\.my\.cnf|\.mylogin\.cnf|\.s3cfg|\.boto|\.htpasswd|\.vault-token|\.terraformrc|terraform\.tfstate(\.backup)?|` +
	`\.gnupg/.*|\.password-store/.*|[^/]*\.(pem|key|p12|pfx|jks|keystore|kdbx|ppk|keytab|tfvars)|krb5\.keytab|\.?(bash|zsh|sh|mysql|psql|rediscli|python)_history|` +
	`credentials?(\.[a-z]+)?|secrets?(\.[a-z]+)?|[^/]*(password|passwd)s?(\.[a-z]+)|wp-config\.php|database\.yml|vault\.yml|private/[^/]+|environ|` +
	`security/(sam|system)|sssd\.conf|\.gitlab-token|\.github_token|token|secrets/.*|serviceaccount/.*)$`)

// secretTrees are directories below which anything is a credential.
var secretTrees = regexp.MustCompile(`^(.*/\.(ssh|aws|gnupg|kube|docker|azure|password-store)$|/run/secrets|/var/run/secrets|/etc/ssl/private|/etc/sudoers\.d|/etc/kubernetes/pki|/var/lib/sss/secrets|/etc/wireguard|/etc/letsencrypt/(live|archive)|/dev/(mem|kmem|port)|/proc/(kcore|[0-9*]+/(mem|environ)))(/|$)`)

// samples are tried against patterns such as /etc/sh*.
var samples = []string{"/etc/shadow", "/etc/gshadow", "/etc/sudoers", "/root/.ssh/id_rsa", "~/.ssh/id_rsa", "~/.ssh/id_ed25519", "/home/user/.ssh/id_rsa", "/home/user/.ssh/id_ed25519",
	"/proc/1/environ", "/proc/self/environ", "/etc/ssh/ssh_host_rsa_key", "~/.aws/credentials", "/root/.aws/credentials", "/home/user/.aws/credentials", ".env", "/etc/kubernetes/admin.conf",
	"/home/user/.bash_history", "~/.bash_history", "/root/.bash_history", "id_rsa"}

// disk is a device that holds file systems, or memory.
var disk = regexp.MustCompile(`^/dev/((s|v|h|xv)d[a-z]|nvme|mmcblk|md[0-9]|dm-|mapper/|disk/|loop|sr[0-9]|mem$|kmem$|port$|nbd|zd|ram|watchdog|mtd)`)

// trees are the directories whose loss is the loss of the system or of people's work.
var trees = regexp.MustCompile(`^(/|/(bin|boot|dev|etc|home|lib|lib32|lib64|opt|proc|root|sbin|srv|sys|usr|var|run|mnt|media|data)|/usr/[a-z0-9]+|/var/(lib|log|www|spool|mail|backups?)|/var/lib/[a-z0-9_-]+|/home/[^/]+|/etc/[a-z0-9._-]+|/boot/.*|~[a-z0-9_-]*|\.|(\.\./)*\.\.)$`)

// authority are files that say who may do what, or what runs by itself.
var authority = regexp.MustCompile(`^(/etc/(passwd|shadow|group|gshadow|sudoers|sudoers\.d/.*|pam\.d/.*|security/.*|ssh/.*|login\.defs|nsswitch\.conf|polkit-1/.*|doas\.conf|subuid|subgid|krb5\..*|shells|hosts\.(allow|deny)|selinux/.*|apparmor.*)|.*/\.ssh/.*|~/\.ssh/.*|.*authorized_keys2?)$`)
var runsItself = regexp.MustCompile(`^(/etc/(cron[^/]*(/.*)?|crontab|anacrontab|rc\.local|rc[0-9a-z]*\.d/.*|init\.d/.*|systemd/.*|profile(\.d/.*)?|bash\.bashrc|bashrc|zsh.*|environment|ld\.so\..*|modprobe\.d/.*|modules.*|udev/.*|inittab|update-motd\.d/.*|xdg/autostart/.*|apt/.*|logrotate\.d/.*|sysctl.*|fstab|hosts|resolv\.conf|network/.*|default/.*)|` +
	`/var/spool/(cron|at)/.*|(/usr)?/lib/systemd/.*|(/usr(/local)?)?/s?bin/.*|(/usr(/local)?)?/lib(32|64|exec)?/.*|/boot/.*|/proc/.*|/sys/.*|.*/\.(bashrc|bash_profile|bash_login|bash_logout|profile|zshrc|zprofile|zshenv|vimrc|inputrc|gitconfig|forward|rhosts|config/autostart/.*|config/systemd/.*)|.*/\.git/hooks/.*)$`)

// clean is the path with dot segments and double slashes resolved.
func clean(p string) string {
	if i := strings.Index(p, "$"); i >= 0 {
		return p
	}
	return path.Clean(p)
}

// readOf is what reading the contents of a file is.
func readOf(a arg) found {
	p := clean(a.text)
	switch {
	case strings.HasPrefix(p, "/dev/tcp/") || strings.HasPrefix(p, "/dev/udp/"):
		return found{policy.Dangerous, "opens a network connection by " + p}
	case secrets.MatchString(p) && !strings.HasSuffix(p, ".pub") || secretTrees.MatchString(p):
		return found{policy.Privilege, "reads " + p + ", which holds credentials"}
	case disk.MatchString(p):
		return found{policy.Privilege, "reads the raw device " + p}
	case a.glob:
		for _, s := range samples {
			if ok, err := path.Match(p, s); err == nil && ok {
				return found{policy.Privilege, "reads files that may hold credentials, such as " + s}
			}
		}
	}
	return found{class: policy.Read}
}

// writeOf is what writing a file is.
func writeOf(a arg) found {
	p := clean(a.text)
	switch {
	case strings.HasPrefix(p, "/dev/tcp/") || strings.HasPrefix(p, "/dev/udp/"):
		return found{policy.Dangerous, "opens a network connection by " + p}
	case disk.MatchString(p):
		return found{policy.Dangerous, "writes to the device " + p}
	case authority.MatchString(p):
		return found{policy.Privilege, "writes " + p + ", which says who may do what"}
	case runsItself.MatchString(p):
		return found{policy.Dangerous, "writes " + p + ", which is run or loaded by the system"}
	case secrets.MatchString(p):
		return found{policy.Privilege, "writes " + p + ", which holds credentials"}
	case strings.HasPrefix(p, "/etc/"), strings.HasPrefix(p, "/dev/") && !strings.HasPrefix(p, "/dev/shm/"):
		return found{policy.Dangerous, "writes " + p}
	}
	return found{class: policy.Write}
}

// removeOf is what losing a path, or with deep all below it, is.
func removeOf(a arg, deep bool) found {
	p := clean(a.text)
	if deep {
		whole := strings.TrimSuffix(p, "/*")
		if whole == "" {
			whole = "/"
		}
		if trees.MatchString(whole) && !(whole == "." && strings.HasSuffix(p, "*")) {
			return found{policy.Dangerous, "deletes " + p + " and all below it"}
		}
	}
	w := writeOf(a)
	if w.class == policy.Write {
		w.why = ""
	}
	return w
}

func harmlessSink(p string) bool {
	switch p = clean(p); p {
	case "/dev/null", "/dev/stdout", "/dev/stderr", "/dev/tty", "/dev/zero", "/dev/full":
		return true
	}
	return strings.HasPrefix(p, "/dev/fd/") || strings.HasPrefix(p, "/proc/self/fd/")
}

var secretName = regexp.MustCompile(`(?i)(^|_)(secret|token|passw(or)?d|passphrase|api_?key|access_?key|private_?key|credentials?|pgpassword|auth)($|_)|^(pgpassword|mysql_pwd|redisauth|apikey)`)

func secretVariable(name string) bool { return secretName.MatchString(name) }

var secretText = regexp.MustCompile(`(?i)id_(rsa|dsa|ecdsa|ed25519)|/etc/g?shadow|['"*/]shadow|\.(pem|env|key|pgpass|netrc|kdbx|p12|pfx|jks)\b|\.aws\b|\.ssh\b|credentials|kubeconfig|_history|\.git-credentials|/environ\b`)

// namesSecret reports whether a text names files that hold credentials.
func namesSecret(text string) bool { return secretText.MatchString(text) }

// programDirectories are where a program is what its name says.
var programDirectories = set("/bin /sbin /usr/bin /usr/sbin /usr/local/bin /usr/local/sbin /opt/homebrew/bin /snap/bin")

// base is a program's name where its path is a usual one; otherwise the path.
func base(name string) string {
	if !strings.Contains(name, "/") {
		return name
	}
	p := path.Clean(name)
	if programDirectories[path.Dir(p)] {
		return path.Base(p)
	}
	return name
}
