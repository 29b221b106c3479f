package redis

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// keyUse is a key that a command names.
type keyUse struct {
	name        string
	read, write bool
}

var errFew = errors.New("the command lacks arguments")

// maxKeys bounds how many keys of a command are judged.
const maxKeys = 1000

// keysOf finds the keys of a command in its arguments, without its name.
func (c *command) keysOf(args []string) ([]keyUse, error) {
	if c.moving {
		return moving[c.name](args)
	}
	var out []keyUse
	for _, k := range c.keys {
		from, to := k.from, k.to
		switch {
		case k.counted:
			if from > len(args) {
				return nil, errFew
			}
			n, err := strconv.Atoi(args[from-1])
			if err != nil || n < 0 || strconv.Itoa(n) != args[from-1] || n > len(args)-from {
				return nil, fmt.Errorf("%s is no count of the keys behind it", Quote(args[from-1]))
			}
			from, to = from+1, from+n
			if n == 0 {
				continue
			}
		case to <= 0:
			to += len(args)
		}
		if from > len(args) || to > len(args) || to < from {
			return nil, errFew
		}
		if (to-from+1)%k.step != 0 {
			return nil, errors.New("the command's arguments are no pairs")
		}
		for i := from; i <= to; i += k.step {
			out = append(out, keyUse{args[i-1], k.read, k.write})
		}
	}
	return out, nil
}

// moving finds the keys of commands whose options say which arguments are.
var moving = map[string]func(args []string) ([]keyUse, error){
	"GEORADIUS":         func(args []string) ([]keyUse, error) { return geoKeys(args, 5) },
	"GEORADIUSBYMEMBER": func(args []string) ([]keyUse, error) { return geoKeys(args, 4) },
	"XREAD":             func(args []string) ([]keyUse, error) { return streamKeys(args, false) },
	"XREADGROUP":        func(args []string) ([]keyUse, error) { return streamKeys(args, true) },
	"MIGRATE":           migrateKeys,
	"SORT":              func(args []string) ([]keyUse, error) { return sortKeys(args, true) },
	"SORT_RO":           func(args []string) ([]keyUse, error) { return sortKeys(args, false) },
}

// options walks through options, each a word with so many values behind it. found is
// called for each, with its values.
func options(args []string, takes map[string]int, found func(word string, values []string)) error {
	for i := 0; i < len(args); {
		word := strings.ToUpper(args[i])
		n, ok := takes[word]
		switch {
		case !ok:
			return fmt.Errorf("%s is no option that is known", Quote(args[i]))
		case i+n >= len(args):
			return errFew
		}
		found(word, args[i+1:i+1+n])
		i += 1 + n
	}
	return nil
}

var geoOptions = map[string]int{"WITHCOORD": 0, "WITHDIST": 0, "WITHHASH": 0, "COUNT": 1, "ANY": 0, "ASC": 0, "DESC": 0, "STORE": 1, "STOREDIST": 1}

func geoKeys(args []string, fixed int) ([]keyUse, error) {
	if len(args) < fixed {
		return nil, errFew
	}
	out := []keyUse{{name: args[0], read: true}}
	err := options(args[fixed:], geoOptions, func(word string, values []string) {
		if strings.HasPrefix(word, "STORE") {
			out = append(out, keyUse{name: values[0], write: true})
		}
	})
	return out, err
}

var sortOptions = map[string]int{"ASC": 0, "DESC": 0, "ALPHA": 0, "LIMIT": 2, "BY": 1, "GET": 1, "STORE": 1}

func sortKeys(args []string, stores bool) ([]keyUse, error) {
	if len(args) == 0 {
		return nil, errFew
	}
	out := []keyUse{{name: args[0], read: true}}
	wrong := false
	err := options(args[1:], sortOptions, func(word string, values []string) {
		if word == "STORE" {
			wrong = !stores
			out = append(out, keyUse{name: values[0], write: true})
		}
	})
	if wrong {
		err = errors.New("SORT_RO stores nothing")
	}
	return out, err
}

// streamKeys finds what follows STREAMS: as many keys as ids.
func streamKeys(args []string, group bool) ([]keyUse, error) {
	takes := map[string]int{"COUNT": 1, "BLOCK": 1}
	if group {
		takes = map[string]int{"COUNT": 1, "BLOCK": 1, "NOACK": 0, "GROUP": 2}
	}
	for i := 0; i < len(args); {
		word := strings.ToUpper(args[i])
		if word == "STREAMS" {
			rest := args[i+1:]
			if len(rest) == 0 || len(rest)%2 != 0 {
				return nil, errors.New("as many ids as streams must follow STREAMS")
			}
			var out []keyUse
			for _, k := range rest[:len(rest)/2] {
				out = append(out, keyUse{name: k, read: true, write: group})
			}
			return out, nil
		}
		n, ok := takes[word]
		if !ok {
			return nil, fmt.Errorf("%s is no option that is known", Quote(args[i]))
		}
		i += 1 + n
	}
	return nil, errFew
}

var migrateOptions = map[string]int{"COPY": 0, "REPLACE": 0, "AUTH": 1, "AUTH2": 2}

func migrateKeys(args []string) ([]keyUse, error) {
	if len(args) < 5 {
		return nil, errFew
	}
	if args[2] != "" {
		return []keyUse{{args[2], true, true}}, options(args[5:], migrateOptions, func(string, []string) {})
	}
	for i := 5; i < len(args); {
		word := strings.ToUpper(args[i])
		if word == "KEYS" {
			var out []keyUse
			for _, k := range args[i+1:] {
				out = append(out, keyUse{k, true, true})
			}
			if len(out) == 0 {
				return nil, errFew
			}
			return out, nil
		}
		n, ok := migrateOptions[word]
		if !ok {
			return nil, fmt.Errorf("%s is no option that is known", Quote(args[i]))
		}
		i += 1 + n
	}
	return nil, errFew
}
