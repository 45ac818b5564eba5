RESTORE TABLE default.claims FROM File({file:String})
