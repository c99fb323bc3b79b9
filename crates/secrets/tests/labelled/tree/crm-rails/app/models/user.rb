class User < ApplicationRecord
  has_secure_password
  has_secure_token :api_token, length: 36

  attr_accessor :password_confirmation, :remember_token

  validates :password, length: { minimum: 10 }, if: -> { password.present? }
  validates :api_token, uniqueness: true

  PASSWORD_COLUMN = 'password_digest'
  TOKEN_PURPOSE = 'password_reset'
  FALLBACK_HMAC_KEY = 'wald-1ktbeoxc21brifqo6e'.freeze

  def self.authenticate(email, password)
    find_by(email: email)&.authenticate(password)
  end

  def reset_token
    signed_id(purpose: TOKEN_PURPOSE, expires_in: 20.minutes)
  end

  def legacy_digest(secret)
    OpenSSL::HMAC.hexdigest('SHA256', FALLBACK_HMAC_KEY, secret)
  end
end
