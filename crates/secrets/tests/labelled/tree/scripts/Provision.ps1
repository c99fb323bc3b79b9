param(
    [Parameter(Mandatory)] [string] $ComputerName,
    [securestring] $Password,
    [string] $ApiKey = $env:PROVISION_API_KEY
)

$ErrorActionPreference = 'Stop'
$plain = 'Zaun-K0enig_5'
$secure = ConvertTo-SecureString $plain -AsPlainText -Force
$svc = ConvertTo-SecureString 'Pfeffer!Minze8' -AsPlainText -Force
$cred = New-Object PSCredential('CORP\svc_prov', $svc)
$admin = Get-Credential -Message 'Administrator password'

net use Z: \\files01\deploy /user:CORP\svc_prov $plain
$token = (Invoke-RestMethod "https://login.example/token" -Credential $cred).access_token
$passwordNeverExpires = $true
Set-LocalUser -Name kiosk -Password $secure -PasswordNeverExpires $true
cmdkey /add:files01 /user:CORP\svc_prov /pass:Gl0cken.Blume
Write-Host "Password set for $ComputerName"
$thumb = 'BB736D2EBFEF59BCF78C6347481BC4A01F6E513D'
$regKey = 'HKLM:\SOFTWARE\Corp\Provision'
