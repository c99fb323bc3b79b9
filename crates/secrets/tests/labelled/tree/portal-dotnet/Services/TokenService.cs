using System;
using System.Text;

namespace Portal.Services
{
    public class TokenService
    {
        private const string SettingName = "Jwt:Key";
        private const string Fallback = "Nacht!Falter-und-Motte-1001";
        private static readonly byte[] Iv = Convert.FromBase64String("AAAAAAAAAAAAAAAAAAAAAA==");
        private static readonly byte[] StorageKey = Convert.FromBase64String("5eIrkqyrZx/N0Q8cgYKxwuCqT2nbnrwxkWpbEtXoVFw=");

        public string Password { get; set; }
        public string AccessToken { get; private set; } = string.Empty;

        public TokenService(IConfiguration config)
        {
            var key = config[SettingName] ?? Fallback;
            var password = Environment.GetEnvironmentVariable("PORTAL_PASSWORD");
            var conn = $"Server=sql02;User Id=portal;Password={password};";
            AccessToken = Sign(Encoding.UTF8.GetBytes(key), Guid.NewGuid().ToString());
        }

        [DataType(DataType.Password)]
        [Display(Name = "Current password")]
        public string OldPassword { get; set; }

        private readonly Guid _tenant = new Guid("b75f52fc-3a04-4cdd-a720-f277e5642c25");

        public NetworkCredential Proxy() => new NetworkCredential("proxyuser", "Zimt5tern-Proxy", "CORP");
    }
}
