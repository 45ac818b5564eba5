BACKUP DATABASE default EXCEPT TABLES default.claims, default.salts TO File({file:String})
