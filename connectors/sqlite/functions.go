package sqlite

import "strings"

// harmless are the functions that a statement may call: they depend on their
// arguments, the clock, chance or this connection, and change nothing. What is
// not listed makes a statement unknown. Left out on purpose: load_extension,
// sqlite_log, fts3_tokenizer, and everything that a later version may add.
var harmless = set(`
	-> ->> abs acos acosh asin asinh atan atan2 atanh avg base64 ceil ceiling changes char coalesce concat concat_ws
	cos cosh count cume_dist current_date current_time current_timestamp date datetime decimal decimal_add decimal_cmp
	decimal_exp decimal_mul decimal_pow2 decimal_sub decimal_sum degrees dense_rank exp first_value floor format glob
	group_concat hex if ifnull iif instr json json_array json_array_insert json_array_length json_error_position
	json_extract json_group_array json_group_object json_insert json_object json_patch json_pretty json_quote
	json_remove json_replace json_set json_type json_valid jsonb jsonb_array jsonb_array_insert jsonb_extract
	jsonb_group_array jsonb_group_object jsonb_insert jsonb_object jsonb_patch jsonb_remove jsonb_replace jsonb_set
	julianday lag last_insert_rowid last_value lead length like likelihood likely ln log log10 log2 lower ltrim max
	median min mod nth_value ntile nullif octet_length percent_rank percentile percentile_cont percentile_disc pi pow
	power printf quote radians random randomblob rank regexp regexpi replace round row_number rtrim sign sin sinh
	soundex sqlite_source_id sqlite_version sqrt strftime string_agg substr substring subtype sum tan tanh time timediff
	total total_changes trim trunc typeof unhex unicode unistr unistr_quote unixepoch unlikely upper zeroblob`)

// renaming are called by ALTER TABLE itself, and by nobody else.
var renaming = set(`sqlite_rename_test sqlite_rename_quotefix sqlite_rename_column sqlite_rename_table sqlite_drop_column
	sqlite_drop_constraint sqlite_add_constraint sqlite_find_constraint sqlite_fail`)

// tableFunctions are the tables outside of the schema that a statement may read.
var tableFunctions = set(`json_each json_tree jsonb_each jsonb_tree generate_series`)

func set(words string) map[string]bool {
	m := make(map[string]bool)
	for w := range strings.FieldsSeq(words) {
		m[w] = true
	}
	return m
}
