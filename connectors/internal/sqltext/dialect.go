package sqltext

// Dialect is how a server cuts a text into tokens, and the words by which its SELECT is
// read. The zero value is plain SQL without any of the choices.
type Dialect struct {
	// Name is for messages.
	Name string
	// Backticks quote names, as double quotes always do; Brackets quote names, too, with ]] for ].
	// Without Brackets these are symbols.
	Backticks, Brackets bool
	// Backslashes escape the next character within quotes of any sort but brackets.
	// A quoted name that has one is refused.
	Backslashes bool
	// Nested comments are those of /* */; where they are not, a comment that holds
	// another's beginning is refused, since versions differ.
	Nested bool
	// National strings are written N'…'.
	National bool
	// Variables are written @name and @@name.
	Variables bool
	// MoreWord are characters of words beside letters, digits and _.
	MoreWord string
	// Batch is a word that clients take, alone on its line, as the end of a batch.
	Batch string
	// InTables are names that stand on the right of IN: x IN t.
	InTables bool
	// Elements of a column c that is a tuple are all of c.*, as well as those of a table.
	Elements bool
	// Bare statements need no semicolon between them, so that any of Starters may
	// begin another.
	Bare     bool
	Starters map[string]bool
	// Top is SELECT TOP n.
	Top bool
	// Hints are the words that may stand in WITH (…) after a table.
	Hints map[string]bool
	// Final may stand after a table; Strictness are words before JOIN.
	Final      bool
	Strictness map[string]bool
	// Reserved are words that are no name where they stand without quotes, beside
	// those that every dialect has.
	Reserved map[string]bool
	// Pseudo are words that stand for a column which has another name.
	Pseudo map[string]bool
	// Operators are words between operands, beside those of every dialect.
	Operators map[string]bool
}

// ClickHouse reads as all versions do: where they differ (#, $tag$, nested comments,
// 0b, digits with _, names with escapes, typographic quotes) the text is refused.
var ClickHouse = Dialect{
	Name: "ClickHouse", Backticks: true, Backslashes: true, InTables: true, Elements: true, Final: true,
	Strictness: set("ANY ALL ASOF SEMI ANTI GLOBAL LOCAL"),
	Reserved:   set("PREWHERE SAMPLE ARRAY SETTINGS FORMAT OUTFILE FINAL GLOBAL LOCAL ANY ASOF SEMI ANTI PASTE QUALIFY WINDOW TOTALS LATERAL COLUMNS APPLY TOP PARALLEL WITHOUT STREAM EXPLAIN INTERPOLATE"),
	Operators:  set("GLOBAL ILIKE DIV MOD REGEXP"),
}

// TSQL is Transact-SQL with QUOTED_IDENTIFIER on, which the session must make sure of.
var TSQL = Dialect{
	Name: "Transact-SQL", Brackets: true, Nested: true, National: true, Variables: true,
	MoreWord: "$#@", Batch: "GO", Bare: true, Top: true,
	Starters:  set("SELECT INSERT UPDATE DELETE MERGE TRUNCATE CREATE ALTER DROP EXEC EXECUTE GRANT REVOKE DENY USE SET DECLARE IF WHILE BEGIN COMMIT ROLLBACK SAVE PRINT RAISERROR THROW RETURN GOTO WAITFOR KILL SHUTDOWN BACKUP RESTORE DBCC RECONFIGURE CHECKPOINT BULK OPEN CLOSE FETCH DEALLOCATE REVERT WRITETEXT UPDATETEXT READTEXT BREAK CONTINUE DISABLE ENABLE SEND RECEIVE GET MOVE ADD SETUSER LINENO DUMP LOAD"),
	Hints:     set("NOLOCK READUNCOMMITTED READCOMMITTED READPAST ROWLOCK PAGLOCK"),
	Reserved:  set("TOP PERCENT TIES PIVOT UNPIVOT APPLY TABLESAMPLE FOR OPTION OPENROWSET OPENQUERY OPENDATASOURCE OPENJSON OPENXML CONTAINS FREETEXT CONTAINSTABLE FREETEXTTABLE COMPUTE BROWSE WITHIN AT HASH LOOP MERGE REMOTE"),
	Operators: set("COLLATE ESCAPE"),
	Pseudo:    set("IDENTITYCOL ROWGUIDCOL"),
}

// reserved are words that begin a clause or a join in any dialect, or stand in one.
var reserved = set("SELECT DISTINCT ALL FROM WHERE GROUP BY HAVING ORDER LIMIT OFFSET FETCH UNION EXCEPT INTERSECT WITH INTO AS ON USING JOIN INNER LEFT RIGHT FULL OUTER CROSS NATURAL AND OR NOT IN IS LIKE BETWEEN CASE WHEN THEN ELSE END EXISTS OVER FILTER INTERVAL ASC DESC NULLS FIRST LAST ROWS RANGE SET VALUES CAST TABLE")

// operators are words that stand between operands or before one.
var operators = set("AND OR NOT IN IS LIKE BETWEEN CASE WHEN THEN ELSE END")

// constants are words that are values where no column is called so.
var constants = set("TRUE FALSE INF NAN")

func (d *Dialect) reserves(word string) bool {
	return reserved[word] || d.Reserved[word] || d.Bare && d.Starters[word]
}

func (d *Dialect) operates(word string) bool { return operators[word] || d.Operators[word] }

func set(words string) map[string]bool {
	m := map[string]bool{}
	for start, i := 0, 0; i <= len(words); i++ {
		if i == len(words) || words[i] == ' ' {
			if i > start {
				m[words[start:i]] = true
			}
			start = i + 1
		}
	}
	return m
}
