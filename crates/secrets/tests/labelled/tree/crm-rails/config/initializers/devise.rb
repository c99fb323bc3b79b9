# frozen_string_literal: true

Devise.setup do |config|
  # Secret key for the mails with a reset token.
  # config.secret_key = 'd7542e3f7128c3555127e4507b503ccb2c06e8c54554f2cc4cfac2b3f5230acbad8af82271112b7fb46551a6c77d72720101eca79bfde0765d3377e46c1e9771'
  config.secret_key = Rails.application.secret_key_base
  config.pepper = ENV.fetch('DEVISE_PEPPER')
  config.mailer_sender = 'crm@corp.example'
  config.authentication_keys = [:email]
  config.case_insensitive_keys = [:email]
  config.stretches = Rails.env.test? ? 1 : 12
  config.password_length = 8..128
  config.reset_password_within = 6.hours
  config.reset_password_keys = [:email]
  config.http_authentication_realm = 'Application'
  config.omniauth :idp, 'crm-web', 'wq2-LOgYJV3eAu66n046mBa0BJYS', scope: 'openid'
  config.sign_out_via = :delete
end
