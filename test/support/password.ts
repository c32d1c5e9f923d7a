/** Of accounts that tests make on a lab machine; as in the lab's own account `pw`. */
export const PASSWORD = 'lab-password';
/** PASSWORD for `useradd -p`. */
export const HASH = '$6$zfslab$Ic8TkXsamTBVmPxt45fI9BZXjPpXG93L8ZaJC564WVEIwW7rm0iOjgAVwg./4K/Hb/vhlv7RFZAGieBcxHpJC1';
