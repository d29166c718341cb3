typedef int neurlp_empty;
