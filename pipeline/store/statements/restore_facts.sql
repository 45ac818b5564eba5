RESTORE DATABASE default FROM File({file:String})
