package postgres

// contrib are functions of the extensions that come with PostgreSQL, for texts
// that are judged without a catalog: they depend on their arguments alone. With
// a catalog pg_proc decides.
var contrib = words(`
	similarity show_trgm show_limit word_similarity strict_word_similarity
	digest hmac crypt gen_salt gen_random_bytes gen_random_uuid encrypt decrypt encrypt_iv decrypt_iv armor dearmor
	pgp_sym_encrypt pgp_sym_decrypt pgp_pub_encrypt pgp_pub_decrypt pgp_key_id
	uuid_generate_v1 uuid_generate_v1mc uuid_generate_v3 uuid_generate_v4 uuid_generate_v5 uuid_nil
	levenshtein levenshtein_less_equal soundex text_soundex difference metaphone dmetaphone dmetaphone_alt daitch_mokotoff
	hstore akeys avals skeys svals each exist defined hstore_to_array hstore_to_matrix hstore_to_json hstore_to_jsonb
	hstore_to_json_loose hstore_to_jsonb_loose slice isexists isdefined
	unaccent normal_rand cube cube_distance earth earth_distance ll_to_earth latitude longitude earth_box
	ltree nlevel subltree subpath lca text2ltree ltree2text sort sort_asc sort_desc uniq idx subarray`)
