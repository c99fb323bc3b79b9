# Built from the migrations, edits are lost with the next one.
ActiveRecord::Schema[7.0].define(version: 2023_09_18_101530) do
  create_table "users", force: :cascade do |t|
    t.string "email", default: "", null: false
    t.string "encrypted_password", default: "", null: false
    t.string "reset_password_token"
    t.datetime "reset_password_sent_at"
    t.string "otp_secret", limit: 64
    t.index ["reset_password_token"], name: "index_users_on_reset_password_token", unique: true
  end

  create_table "api_keys", id: :uuid, default: -> { "gen_random_uuid()" } do |t|
    t.string "token_digest", null: false
    t.string "secret_hint", default: "none"
    t.binary "private_key_ciphertext"
  end

  add_foreign_key "api_keys", "users", name: "fk_api_keys_9f1b2c7d3e"
end
