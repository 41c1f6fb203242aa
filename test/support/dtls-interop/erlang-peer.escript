#!/usr/bin/env escript
%% DTLS 1.2 with Erlang's ssl application. The client says `ping` and prints what comes back; the server echoes.
%%     erlang-peer.escript client|server PORT SUITE psk IDENTITY HEX
%%     erlang-peer.escript client|server PORT SUITE certificate CERTIFICATE KEY CA

main(["check"]) ->
    {ok, _} = application:ensure_all_started(ssl);
main([Role, Port, Suite | Credential]) ->
    {ok, _} = application:ensure_all_started(ssl),
    logger:set_primary_config(level, none),
    Common = [{protocol, dtls}, {versions, ['dtlsv1.2']}, {ciphers, [ssl:str_to_suite(Suite)]}, {active, false}],
    Options = Common ++ credential(Role, Credential),
    case Role of
        "client" -> client(list_to_integer(Port), Options);
        "server" -> server(list_to_integer(Port), Options)
    end.

credential(_, ["psk", Identity, Hex]) ->
    Lookup = fun(psk, _Name, Key) -> {ok, Key} end,
    [{psk_identity, Identity}, {user_lookup_fun, {Lookup, binary:decode_hex(list_to_binary(Hex))}}];
credential(Role, ["certificate", Certificate, Key, Ca]) ->
    Demand = case Role of
        "client" -> [{server_name_indication, "localhost"}];
        "server" -> [{fail_if_no_peer_cert, true}]
    end,
    [{certfile, Certificate}, {keyfile, Key}, {cacertfile, Ca}, {verify, verify_peer} | Demand].

client(Port, Options) ->
    Socket = ok_or_end(ssl:connect({127, 0, 0, 1}, Port, Options, 15000)),
    ok = ssl:send(Socket, <<"ping\n">>),
    io:format("~s", [ok_or_end(ssl:recv(Socket, 0, 10000))]),
    ssl:close(Socket).

server(Port, Options) ->
    Listening = ok_or_end(ssl:listen(Port, [{ip, {127, 0, 0, 1}} | Options])),
    accept(Listening).

accept(Listening) ->
    {ok, Accepted} = ssl:transport_accept(Listening),
    case ssl:handshake(Accepted, 15000) of
        {ok, Socket} -> echo(Socket);
        {error, Reason} -> io:format("failed ~p~n", [Reason])
    end,
    accept(Listening).

echo(Socket) ->
    case ssl:recv(Socket, 0, 10000) of
        {ok, Bytes} -> ssl:send(Socket, Bytes), echo(Socket);
        {error, Reason} -> io:format("closed ~p~n", [Reason])
    end.

ok_or_end({ok, Result}) -> Result;
ok_or_end({error, Reason}) -> io:format("failed ~p~n", [Reason]), halt(1).
