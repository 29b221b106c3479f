package filefacts

import (
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/policy"
)

// What a text does to which files, and how severe that is.
func TestFacts(t *testing.T) {
	for text, want := range map[string]string{
		"read /var/log/app.log":                   "read: read /var/log/app.log",
		"read /etc/shadow":                        "privilege: read /etc/shadow",
		"read /home/ann/.ssh/id_ed25519":          "privilege: read /home/ann/.ssh/id_ed25519",
		"write /srv/x create":                     "write!: write /srv/x",
		"write /srv/x append":                     "write: write /srv/x",
		"write /root/.ssh/authorized_keys":        "privilege!: write /root/.ssh/authorized_keys",
		"write /etc/sudoers.d/x append":           "privilege: write /etc/sudoers.d/x",
		"write /etc/cron.d/x append":              "dangerous: write /etc/cron.d/x",
		"write /home/ann/.bashrc append":          "dangerous: write /home/ann/.bashrc",
		"write /usr/local/bin/x append":           "dangerous: write /usr/local/bin/x",
		"write /etc/systemd/system/x.service":     "dangerous!: write /etc/systemd/system/x.service",
		"update /srv/x":                           "write!: read /srv/x, write /srv/x",
		"list /etc":                               "read: list /etc",
		"stat /etc/shadow":                        "read: stat /etc/shadow",
		"remove /srv/x":                           "write!: delete /srv/x",
		"remove /etc/passwd":                      "privilege!: delete /etc/passwd",
		"rmdir /srv/d":                            "write: delete /srv/d",
		"mkdir /srv/d":                            "write: write /srv/d",
		"rename /srv/a to /srv/b":                 "write: read /srv/a/, delete /srv/a/, write /srv/b/",
		"rename /srv/a to /etc/cron.d/b":          "dangerous: read /srv/a/, delete /srv/a/, write /etc/cron.d/b/",
		"rename /home/ann to /home/b":             "dangerous: read /home/ann/, delete /home/ann/, write /home/b/",
		"link /etc/shadow to /tmp/x":              "privilege: read /etc/shadow, write /etc/shadow, write /tmp/x",
		"symlink /srv/l to ../etc/shadow":         "privilege: write /srv/l, read /etc/shadow/, write /etc/shadow/",
		"symlink /srv/l to app/v2":                "write: write /srv/l, read /srv/app/v2/, write /srv/app/v2/",
		"set /srv/x mode=0644":                    "write: write /srv/x",
		"set /srv/x mode=4755":                    "privilege: write /srv/x",
		"set /srv/x owner=0:0":                    "privilege: write /srv/x",
		"set /srv/x size=0":                       "write!: write /srv/x",
		"set /srv/x unreadable":                   "unknown: write /srv/x",
		`read "/srv/a b"`:                         "read: read /srv/a b",
		"read /srv/../etc/shadow":                 "privilege: read /etc/shadow",
		"read srv/x":                              "unknown: ",
		"fetch /srv/x":                            "unknown: ",
		"rename /a /b":                            "unknown: ",
		"read /srv/x quickly":                     "unknown: ",
		`read "/srv/x`:                            "unknown: ",
		"":                                        "unknown: ",
		"set /srv/x accessed=1 modified=2":        "write: write /srv/x",
		"write /srv/app/.git/hooks/x mode=0755":   "dangerous!: write /srv/app/.git/hooks/x",
		"write /proc/sys/kernel/core_pattern":     "dangerous!: write /proc/sys/kernel/core_pattern",
		"set /root/.ssh/authorized_keys mode=666": "privilege: write /root/.ssh/authorized_keys",
	} {
		f := Facts(text)
		got := f.Class.String()
		if f.Destructive {
			got += "!"
		}
		var files []string
		for _, a := range f.Files {
			p := a.Operation + " " + a.Path
			if a.Tree {
				p += "/"
			}
			files = append(files, p)
		}
		if got += ": " + strings.Join(files, ", "); got != want {
			t.Errorf("%q\n got %s\nwant %s", text, got, want)
		}
		if f.Class != policy.Read && f.Class != policy.Write && f.Why == "" {
			t.Errorf("%q is %s, and nothing says why", text, f.Class)
		}
	}
}

// The class of the whole is the worst of its files'.
func FuzzFacts(f *testing.F) {
	f.Add("rename /a to /etc/cron.d/b replace")
	f.Add(`symlink /a to "b c"`)
	f.Fuzz(func(t *testing.T, text string) {
		facts := Facts(text)
		class := policy.Read
		for _, a := range facts.Files {
			class = policy.Worst(class, a.Class)
			if !strings.HasPrefix(a.Path, "/") {
				t.Errorf("%q concerns %q", text, a.Path)
			}
		}
		if len(facts.Files) == 0 {
			class = policy.Unknown
		}
		if facts.Class != class {
			t.Errorf("%q is %s, its files %s", text, facts.Class, class)
		}
	})
}

// An operation has one text, and a text one operation, whatever its paths hold.
func FuzzText(f *testing.F) {
	f.Add("/a", "/b to /c", uint16(3), uint32(0o4644), int64(5))
	f.Add("/a mode=0644", "\"", uint16(77), uint32(0), int64(0))
	f.Add("/\x00\xff\u202e", "/", uint16(1029), uint32(1), int64(9))
	f.Add("/a bytes=1", "/", uint16(2049), uint32(0o755), int64(12))
	all := []connectors.FileVerb{connectors.ReadFile, connectors.WriteFile, connectors.UpdateFile, connectors.ListDir, connectors.StatFile, connectors.RenameFile,
		connectors.Symlink, connectors.Hardlink, connectors.SetStat, connectors.RemoveFile}
	f.Fuzz(func(t *testing.T, from, to string, bits uint16, mode uint32, n int64) {
		c := connectors.FileCall{Do: all[int(bits)%len(all)], Path: "/" + from, Create: bits&16 > 0, Exclusive: bits&32 > 0, Truncate: bits&64 > 0, Append: bits&128 > 0, Replace: bits&256 > 0}
		switch c.Do {
		case connectors.RenameFile, connectors.Hardlink:
			c.To = "/" + to
		case connectors.Symlink:
			c.To = "x" + to
		}
		if bits&512 > 0 {
			m := modeOf(uint64(mode & 0o7777))
			c.Set.Mode = &m
		}
		if bits&1024 > 0 {
			c.Set.Size = &n
			c.Set.Accessed, c.Set.Modified = time.Unix(n/1000, 0), time.Unix(n/1000+1, 0)
		}
		if bits&2048 > 0 {
			m := modeOf(uint64(mode & 0o7777))
			c.Content = &connectors.FileContent{Size: n, From: n / 3, SHA256: fmt.Sprintf("%064x", mode)}
			if n%2 == 0 {
				c.Content.Mode, c.Content.Cut = &m, &n
			}
		}
		text := Text(c)
		if strings.ContainsAny(text, "\x00\n\r\x1b") {
			t.Errorf("%q holds control characters", text)
		}
		got, err := parse(text)
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		if d := cmp.Diff(c, got, cmp.Comparer(func(a, b time.Time) bool { return a.Equal(b) })); d != "" {
			t.Errorf("%q (-want +got):\n%s", text, d)
		}
	})
}

// What the target told counts: a file is no tree, and an empty one loses nothing.
func TestToldByTheTarget(t *testing.T) {
	c := connectors.FileCall{Do: connectors.RenameFile, Path: "/srv/a", To: "/srv/b"}
	f := Of(c, Known{Told: true, Path: info{mode: 0o644, size: 3}, AskedPath: "/srv/link", AskedTo: "/srv/b"})
	if f.Files[0].Tree || f.Files[0].Asked != "/srv/link" || f.Files[0].Size == nil || *f.Files[0].Size != 3 || f.Files[2].Asked != "" {
		t.Errorf("a file that is renamed: %+v", f.Files)
	}
	f = Of(c, Known{Told: true, Path: info{mode: fs.ModeDir}, AskedPath: "/srv/a", AskedTo: "/srv/b"})
	if !f.Files[0].Tree || !f.Files[2].Tree || f.Files[0].Size != nil {
		t.Errorf("a directory that is renamed: %+v", f.Files)
	}
	w := connectors.FileCall{Do: connectors.WriteFile, Path: "/srv/a", Truncate: true}
	for size, loss := range map[int64]bool{0: false, 1: true} {
		if f := Of(w, Known{Told: true, Path: info{size: size}, AskedPath: "/srv/a"}); f.Destructive != loss {
			t.Errorf("writing over %d bytes: %+v", size, f)
		}
	}
	if f := Of(w, Known{Told: true, AskedPath: "/srv/a"}); f.Destructive {
		t.Errorf("a new file: %+v", f)
	}
}

type info struct {
	mode fs.FileMode
	size int64
}

func (i info) Name() string       { return "x" }
func (i info) Size() int64        { return i.size }
func (i info) Mode() fs.FileMode  { return i.mode }
func (i info) ModTime() time.Time { return time.Time{} }
func (i info) IsDir() bool        { return i.mode.IsDir() }
func (i info) Sys() any           { return nil }
