package example.mobile

import android.content.SharedPreferences

object Api {
    const val KEY_TOKEN = "pref_access_token"
    const val KEY_PASSWORD = "pref_password"
    private const val CLIENT_ID = "mobile-android"
    private const val CLIENT_SECRET = "g19rgja9mkwu62db7r4iaosmzmvvcisi"
    private val aesKey = "Wol1ken0Bruch5tz".toByteArray()

    var token: String? = null
    lateinit var password: CharArray

    fun headers(prefs: SharedPreferences) = mapOf(
        "Authorization" to "Bearer ${prefs.getString(KEY_TOKEN, "")}",
        "X-Api-Key" to BuildConfig.API_KEY,
        "X-Device-Id" to "aac33c04c2ce1d79",
    )

    fun login(user: String, password: String): Call<Token> =
        service.login(grantType = "password", user = user, password = password)

    fun validate(pw: String) = when {
        pw.isBlank() -> R.string.error_password_empty
        pw.length < 8 -> R.string.error_password_short
        else -> null
    }
}
