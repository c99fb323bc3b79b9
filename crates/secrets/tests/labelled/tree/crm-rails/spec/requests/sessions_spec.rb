require 'rails_helper'

RSpec.describe 'Sessions', type: :request do
  let(:user) { create(:user, email: 'eva@crm.example', password: 'Kompass-Rose-31') }
  let(:token) { user.generate_token_for(:login) }
  let(:password) { 'secret' }

  it 'signs in with the right password' do
    post '/session', params: { email: user.email, password: 'Kompass-Rose-31' }
    expect(response).to redirect_to('/')
  end

  it 'rejects a wrong password' do
    post '/session', params: { email: user.email, password: 'wrong' }
    expect(flash[:alert]).to eq('Invalid email or password.')
  end

  it 'rejects an unknown token' do
    get '/session/magic', params: { token: 'invalid-token' }
    expect(response).to have_http_status(:unauthorized)
  end

  it 'masks the password in the log' do
    expect(Rails.logger).to receive(:info).with(/password=\[FILTERED\]/)
    post '/session', params: { password: password }
  end
end
