BACKUP TABLE default.claims TO File({file:String})
