BACKUP DATABASE default EXCEPT TABLES default.claims TO File({file:String})
