import Foundation

struct Login {
    let apiSecret: String = "mV3kPz81QwYt0LrX5nBd"
    let passwordLabel = NSLocalizedString("login.password", comment: "Password")
    let passwordRule: String = "At least ten characters"
    let tokenKind = "Bearer"
    static let salt = "8f3a61c09b7e4d25"
    static let hidePassword = "eye.slash"
    let sessionId = "123e4567-e89b-42d3-a456-426614174000"
}
