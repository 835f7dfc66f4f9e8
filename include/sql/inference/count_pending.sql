-- Rows that wait in the stream; a corrected row is in it twice, with its old image and with its new one.
SELECT COUNT(*) AS N FROM {{ stream }} WHERE METADATA$ACTION = 'INSERT' OR NOT METADATA$ISUPDATE
