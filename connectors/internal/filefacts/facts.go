package filefacts

import (
	"io/fs"
	"path"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/internal/shellfacts"
	"github.com/sallyport/sallyport/policy"
)

// verbs are what can be asked, each with its word in facts.
var verbs = map[connectors.FileVerb]string{
	connectors.ReadFile: "READ", connectors.WriteFile: "WRITE", connectors.UpdateFile: "UPDATE", connectors.ListDir: "LIST",
	connectors.StatFile: "STAT", connectors.LstatFile: "STAT", connectors.ReadLink: "STAT", connectors.StatVFS: "STAT",
	connectors.RemoveFile: "DELETE", connectors.RemoveDir: "DELETE", connectors.MakeDir: "MKDIR", connectors.RenameFile: "RENAME",
	connectors.Symlink: "SYMLINK", connectors.Hardlink: "LINK", connectors.SetStat: "SET",
}

// Known is what the target told of the paths before the operation.
type Known struct {
	// Path and To are there, or nil. AskedPath and AskedTo are the paths as they were
	// asked for. LeadsTo is the absolute path that a symlink would lead to, made or
	// renamed.
	Path, To           fs.FileInfo
	AskedPath, AskedTo string
	LeadsTo            string
	Leads              fs.FileInfo
	// Told is set where the target was asked: a nil info is then of what is not there.
	Told bool
}

// Facts are those of a text, of which no target told anything.
func Facts(text string) policy.Facts {
	c, err := parse(text)
	if err != nil {
		return policy.Facts{Why: err.Error()}
	}
	c.Path = path.Clean(c.Path)
	k := Known{AskedPath: c.Path, AskedTo: c.To}
	if c.Do == connectors.Symlink {
		k.LeadsTo = leadsTo(c)
	} else if c.To != "" {
		c.To = path.Clean(c.To)
	}
	return Of(c, k)
}

// leadsTo is where a symlink leads by its text.
func leadsTo(c connectors.FileCall) string {
	if path.IsAbs(c.To) {
		return path.Clean(c.To)
	}
	return path.Join(path.Dir(c.Path), c.To)
}

// Of are the facts of an operation whose paths are the target's own.
func Of(c connectors.FileCall, k Known) policy.Facts {
	f := policy.Facts{Verb: verbs[c.Do], Statements: 1, Class: policy.Read}
	j := &judgement{k: k, whole: !k.Told}
	from := j.place(c.Path, k.AskedPath, k.Path)
	to := j.place(c.To, k.AskedTo, k.To)
	switch c.Do {
	case connectors.ReadFile:
		j.read(from)
	case connectors.WriteFile:
		f.Destructive = !c.Append && j.holds(k.Path)
		j.write(from)
	case connectors.UpdateFile:
		f.Destructive = !c.Append && j.holds(k.Path)
		j.read(from)
		j.write(from)
	case connectors.ListDir:
		j.add(policy.FileList, from, policy.Read, "")
	case connectors.StatFile, connectors.LstatFile, connectors.ReadLink, connectors.StatVFS:
		j.add(policy.FileStat, from, policy.Read, "")
	case connectors.RemoveFile, connectors.RemoveDir:
		f.Destructive = c.Do == connectors.RemoveFile
		j.remove(from)
	case connectors.MakeDir:
		j.write(from)
	case connectors.SetStat:
		f.Destructive = c.Set.Size != nil
		j.set(from, c.Set)
	case connectors.RenameFile:
		// What a file held can be read at its new place, and is gone from the old one.
		f.Destructive = c.Replace && k.To != nil
		from.tree = j.tree(k.Path)
		to.tree = from.tree
		j.read(from)
		j.remove(from)
		j.write(to)
		if k.LeadsTo != "" {
			j.leads()
		}
	case connectors.Hardlink:
		j.read(from)
		j.write(from)
		j.write(to)
	case connectors.Symlink:
		j.write(from)
		j.leads()
	default:
		return policy.Facts{Why: "it is not known what this does to files"}
	}
	f.Files = j.files
	for _, a := range f.Files {
		if w := policy.Worst(f.Class, a.Class); w != f.Class || f.Why == "" && a.Why != "" {
			f.Class, f.Why = w, a.Why
		}
	}
	return f
}

// place is a path with what is there.
type place struct {
	path, asked string
	info        fs.FileInfo
	tree        bool
}

type judgement struct {
	k     Known
	whole bool // nothing was asked of the target: what may be a directory is one
	files []policy.FileAccess
}

func (j *judgement) place(p, asked string, info fs.FileInfo) place {
	at := place{path: p, info: info}
	if asked != p {
		at.asked = asked
	}
	return at
}

// tree reports whether what is there may be a directory with more below it.
func (j *judgement) tree(info fs.FileInfo) bool {
	return j.whole || info == nil || info.IsDir()
}

// holds reports whether there is something in the file, or that is not known.
func (j *judgement) holds(info fs.FileInfo) bool {
	return j.whole || info != nil && info.Size() > 0
}

func (j *judgement) add(op string, at place, class policy.Class, why string) {
	a := policy.FileAccess{Operation: op, Path: at.path, Asked: at.asked, Tree: at.tree, Class: class, Why: why}
	if at.info != nil && at.info.Mode().IsRegular() {
		n := at.info.Size()
		a.Size = &n
	}
	j.files = append(j.files, a)
}

func (j *judgement) read(at place) {
	class, why := shellfacts.ReadFile(at.path)
	j.add(policy.FileRead, at, class, why)
}

func (j *judgement) write(at place) {
	class, why := shellfacts.WriteFile(at.path)
	if class == policy.Write && at.tree {
		class, why = worse(class, why, at.path+"/x")
	}
	j.add(policy.FileWrite, at, class, why)
}

// worse is what writing a file in the directory is, where that is worse.
func worse(class policy.Class, why, inside string) (policy.Class, string) {
	if c, w := shellfacts.WriteFile(inside); policy.Worst(class, c) != class {
		return c, w
	}
	return class, why
}

func (j *judgement) remove(at place) {
	class, why := shellfacts.RemoveFile(at.path, at.tree)
	j.add(policy.FileDelete, at, class, why)
}

// leads judges what a link leads to: whoever follows it, another program too, reads and
// writes that.
func (j *judgement) leads() {
	at := place{path: j.k.LeadsTo, info: j.k.Leads, tree: j.tree(j.k.Leads)}
	j.read(at)
	j.write(at)
}

// set judges a change of attributes: who owns a file, and what runs as its owner,
// is about rights.
func (j *judgement) set(at place, a connectors.FileAttributes) {
	class, why := shellfacts.WriteFile(at.path)
	rights := func(w string) {
		if policy.Worst(class, policy.Privilege) != class {
			class, why = policy.Privilege, w
		}
	}
	switch {
	case a.Unreadable:
		class, why = policy.Unknown, "it sets attributes that are not known here"
	case a.Owner != nil:
		rights("changes whose file it is")
	case a.Mode != nil && *a.Mode&(fs.ModeSetuid|fs.ModeSetgid) != 0:
		rights("lets " + at.path + " run as its owner")
	}
	j.add(policy.FileWrite, at, class, why)
}
